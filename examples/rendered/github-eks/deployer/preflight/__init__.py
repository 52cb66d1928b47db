"""Looking at the cluster before a deploy: what would fail there, or work differently than the values say."""
