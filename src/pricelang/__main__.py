"""`python -m pricelang`: the same as the command `pricelang`."""

from pricelang.cli.start import main

if __name__ == "__main__":
    main()
