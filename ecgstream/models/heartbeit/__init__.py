"""HeartBEiT (Vaid et al. 2023): the ECG as language. ``tokenizer`` turns 200 ms of a lead into one of some hundred
words, ``vit`` is the network, which learns by guessing the words that it does not see (``training.heartbeit``)."""
