"""The image of image/: its reference, the engine that builds it, the registry, and the lock of its packages."""
