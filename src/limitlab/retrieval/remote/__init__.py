"""Services over HTTP: one client for all of them, keys from the environment, journals of killed runs."""
