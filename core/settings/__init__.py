"""How a setting is declared once, and how settings are saved as TOML.

``declare`` holds the base class and :func:`~core.settings.declare.setting`; ``toml`` writes, reads and
compares settings. Each chapter declares its own in its ``settings`` module, which loads without torch.
"""
