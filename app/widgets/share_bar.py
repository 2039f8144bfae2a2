"""A table cell with a bar that shows its share."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

SHARE = int(Qt.ItemDataRole.UserRole) + 1
COLOUR = int(Qt.ItemDataRole.UserRole) + 2


class ShareBar(QStyledItemDelegate):
    """Draws cells whose data under :data:`SHARE` is a share 0 to 1, in the colour under :data:`COLOUR`."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw the bar along the lower edge, then the number."""
        share = index.data(SHARE)
        super().paint(painter, option, index)
        if share is not None:
            room: QRect = option.rect.adjusted(6, 0, -6, 0)  # pyrefly: ignore[missing-attribute] - missing in the stubs
            width = max(2, round(share * room.width())) if share > 0 else 0
            painter.fillRect(QRect(room.right() - width + 1, room.bottom() - 4, width, 3), QColor(index.data(COLOUR)))
