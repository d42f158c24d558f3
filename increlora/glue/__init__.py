"The experiments of the paper: data, methods at one budget, runs, sweeps and tables, and the command `increlora` (extra `glue`)."
