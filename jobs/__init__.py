"""The top floor: the command line, a campaign's way through its steps, and the processes and jobs that do them."""
