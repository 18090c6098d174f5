"""ECG-JEPA with cross-pattern attention (Kim 2024, arXiv 2410.08559): learns from unlabelled signal by predicting, in
latent space, what it does not see. ``encoder`` is the network, ``objective`` what it learns by, ``streaming`` its
causal form at work."""
