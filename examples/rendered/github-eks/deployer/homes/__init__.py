"""Students' homes: where they are, the pods that read and write them, and the folder with their archives."""
