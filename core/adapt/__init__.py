"""Moving a network to another survey: what is taken over, what stays frozen, what is learned anew."""
