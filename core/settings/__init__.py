"""How a knob is declared once, and how settings travel as TOML.

``declare`` holds the base class and :func:`~core.settings.declare.setting`; ``toml`` writes, reads and
compares. Each chapter declares its own knobs in its ``settings`` module, which loads without torch.
"""
