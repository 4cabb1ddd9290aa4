"""The routes, a module for each kind of work. They read requests and shape answers; no route computes a score."""
