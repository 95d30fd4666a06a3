"""Worker processes: a pool of them for the daemon, and the loop each of them runs."""
