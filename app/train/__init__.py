"""The Train room: network, augmentation, training, runs side by side."""
