"""Icons, themes and help texts, found alike in a checkout, an installed package and a frozen program."""
