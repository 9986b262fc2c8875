"""Members that change: a model of configurations, the proof that quorums meet, and each condition left out."""
