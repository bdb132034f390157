"""What people and programs touch: HTTP, the command line, and the wiring."""
