"""The pretend shop's own web pages, with its cart, its checkout and the app proxy that leads to the daemon."""
