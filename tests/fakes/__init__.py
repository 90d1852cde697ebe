"""Services that run on this machine in place of the real ones; they share no code with the clients they test."""
