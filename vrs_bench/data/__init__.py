"""Published data: shards, manifest, card, building and reading."""
