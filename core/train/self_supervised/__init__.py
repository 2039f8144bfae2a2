"""Self-supervised first weights: what a network can learn from galaxies without labels.

Two variations of each galaxy in a batch go through the network, which is to recognise them as the same galaxy among all
others (SimCLR). What it has to know for that, shape and structure, is what classes differ in, so that a fine-tuning
from its weights needs fewer labels.

SimCLR and not BYOL or VICReg, since a batch on a processor has a few hundred galaxies and the networks are small: its
loss needs nothing beside the network (BYOL trains a second one that follows the first, and so takes nearly twice as
long and as much memory), it is a number with a meaning (ln(2n − 1) is guessing in a batch of n), and it does not
collapse as those do that have no negative pairs; the loss and its similarities are computed in float32. The surveys of
galaxies that were learned in this way (Hayat et al. 2021, Stein et al. 2021) have used the same loss.

The projection whose directions are compared is the head of the network itself, with its hidden layer. A fine-tuning
takes over the blocks and that hidden layer, from which few labels profit (Chen et al. 2020b), and makes a new last one.

References
----------
Chen, Kornblith, Norouzi & Hinton 2020, arXiv:2002.05709 (SimCLR); Chen et al. 2020b, arXiv:2006.10029 (what to keep of
the projection); Grill et al. 2020, arXiv:2006.07733 (BYOL); Bardes, Ponce & LeCun 2022, arXiv:2105.04906 (VICReg);
Hayat et al. 2021, ApJ 911, L33; Stein et al. 2021, arXiv:2110.13151.
"""
