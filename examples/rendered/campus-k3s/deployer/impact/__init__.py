"""What a merge would change: two rendered commits, compared in sentences and as a diff."""
