"""`python -m corpusmill` is the command `corpusmill`."""

from corpusmill.curate.cli.app import main

if __name__ == "__main__":
    main()
