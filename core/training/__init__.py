"""The training house: one loop for every network, from pictures to a card and its weights."""
