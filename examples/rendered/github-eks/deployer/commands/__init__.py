"""One module for each command: `run(arguments)`, and `add_arguments(parser)` if it has some. Only these print."""
