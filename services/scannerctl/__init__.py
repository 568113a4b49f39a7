"""`scannerctl`: the scanner's command line, each subcommand a module of this folder."""
