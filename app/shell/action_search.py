"""What can be searched by name: all commands, rooms, panels with what they do, settings, and pages of the guide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QPushButton, QToolButton, QWidget

from app.panel.panel import Panel
from app.panel.room import PanelEntry
from app.shell.actions import COMMANDS
from app.shell.guide_pages import read_pages
from app.shell.workspaces import PANELS, WORKSPACES, needs_galaxies, room_of
from app.widgets.method_texts import read_methods
from core.settings.declare import Settings, knobs
from core.train.settings import RunSettings

_NO_GALAXIES = "Open galaxies first."
_NOT_NOW = "Not possible just now; its panel says more."


def _never() -> str:
    return ""


@dataclass(frozen=True)
class Entry:
    """Something that can be found and done.

    Attributes
    ----------
    title, where, shortcut
        What it is called, in which room or menu it is, and its keys.
    go
        Does it, or shows it.
    hindrance
        Why that is not possible just now; empty: it is.
    more
        Further words by which it is found, such as an explanation.
    rank
        Among equally good finds, smaller ones come first.
    goes_there
        Whether ``go`` shows the place where it can be made possible, if it is not.
    """

    title: str
    where: str
    go: Callable[[], object]
    shortcut: str = ""
    hindrance: Callable[[], str] = _never
    more: str = ""
    rank: int = 0
    goes_there: bool = False


@dataclass
class Places:
    """How the window is asked to show something.

    Attributes
    ----------
    show_panel
        Shows a panel by its name, and returns it.
    built
        The panel, if it was built already.
    has_project, has_galaxies
        Whether a project, and a dataset, are open.
    show_workspace, show_page
        Show a room, and a page of the guide, or a section as ``page#anchor``.
    say
        Shows a message.
    """

    show_panel: Callable[[str], QWidget]
    built: Callable[[str], QWidget | None]
    has_project: Callable[[], bool]
    has_galaxies: Callable[[], bool]
    show_workspace: Callable[[str], object]
    show_page: Callable[[str], object]
    say: Callable[[str], object]
    undo: Sequence[QAction] = field(default_factory=list)

    def lacks_project(self) -> str:
        """Says that a project is needed, where none is open."""
        return "" if self.has_project() else "Open a project first."

    def lacks_galaxies(self) -> str:
        """Says that galaxies are needed, where none are open."""
        return "" if self.has_galaxies() else _NO_GALAXIES


def list_entries(actions: dict[str, QAction], places: Places) -> list[Entry]:
    """List everything that can be searched."""
    return [
        *_commands(actions, places),
        *_rooms(places),
        *_panels(places),
        *_settings(places),
        *_methods(places),
        *_pages(places),
    ]


def _commands(actions: dict[str, QAction], places: Places) -> Iterator[Entry]:
    for name, action in actions.items():
        command = COMMANDS[name]
        hindrance = {"pack_project": places.lacks_project, "pack_training": places.lacks_galaxies}.get(name, _never)
        yield Entry(command.title, command.menu, action.trigger, command.shortcut, hindrance, command.tip)
    for action in places.undo:
        title = action.text().replace("&&", "&")
        shortcut = action.shortcut().toString()

        def hindrance(action: QAction = action) -> str:
            return "" if action.isEnabled() else "There is nothing to take back, or to do again."

        yield Entry(title, "Edit", action.trigger, shortcut, hindrance)


def _rooms(places: Places) -> Iterator[Entry]:
    for name, workspace in WORKSPACES.items():
        go = _bind(places.show_workspace, name)
        hindrance = _galaxies_needed(places, workspace.columns[0][0][0])
        yield Entry(workspace.title, "Room", go, workspace.shortcut, hindrance, workspace.tip)


def _panels(places: Places) -> Iterator[Entry]:
    for name, entry in PANELS.items():
        room = room_of(name)
        if not room:
            continue
        where = WORKSPACES[room].title
        yield Entry(entry.title, where, _bind(places.show_panel, name), "", _galaxies_needed(places, name), "panel", 1)
        for attribute, title in entry.actions.items():
            yield _action_of_panel(places, name, entry, attribute, title, where)


def _action_of_panel(places: Places, name: str, entry: PanelEntry, attribute: str, title: str, where: str) -> Entry:
    def hindrance() -> str:
        if needs_galaxies(name) and not places.has_galaxies():
            return _NO_GALAXIES
        panel = places.built(name)
        return "" if panel is None else why_not(panel, attribute)

    def go() -> None:
        if needs_galaxies(name) and not places.has_galaxies():
            return
        panel = places.show_panel(name)
        if reason := why_not(panel, attribute):
            places.say(f"{title}: {reason}")
        else:
            press(button_of(panel, attribute))

    return Entry(title, f"{where} ▸ {entry.title}", go, "", hindrance, goes_there=True)


def button_of(panel: QWidget, attribute: str) -> QAbstractButton:
    """The button of a panel that an action of its room's table names."""
    found: object = panel
    for part in attribute.split("."):
        found = getattr(found, part)
    assert isinstance(found, QAbstractButton), attribute
    return found


def press(button: QAbstractButton) -> None:
    """Press a button as the mouse would; one with a menu shows it."""
    menu = button.menu() if isinstance(button, QToolButton | QPushButton) else None
    if menu is None:
        button.click()
    else:
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))


def why_not(panel: QWidget, attribute: str) -> str:
    """Why the button of a panel cannot be pressed; empty: it can."""
    button = button_of(panel, attribute)
    if isinstance(panel, Panel) and panel.empty is not None and panel.empty.isVisibleTo(panel):
        return f"{panel.empty.title.text().rstrip('.')}. {panel.empty.text.text()}"
    if button.isEnabled():
        return ""
    return button.toolTip() or (panel.state.text() if isinstance(panel, Panel) else "") or _NOT_NOW


def _galaxies_needed(places: Places, panel: str) -> Callable[[], str]:
    """Says that the room of a panel needs galaxies, where there are none."""
    return places.lacks_galaxies if needs_galaxies(panel) else _never


def field_of(panel: QWidget, attribute: str) -> QLineEdit:
    """A line of a panel in which one types."""
    found = getattr(panel, attribute)
    assert isinstance(found, QLineEdit), attribute
    return found


def _settings(places: Places) -> Iterator[Entry]:
    """The settings of a training, which the panel of settings seeks itself."""
    for section, info in RunSettings.model_fields.items():
        inner = info.annotation
        if not (isinstance(inner, type) and issubclass(inner, Settings)) or section == "self_supervised":
            continue
        for knob in knobs(inner).values():

            def go(title: str = knob.title) -> None:
                field_of(places.show_panel("settings"), "search").setText(title)

            where = f"Train ▸ Settings ▸ {info.title}"
            title = f"{knob.title} [{knob.unit}]" if knob.unit else knob.title
            yield Entry(title, where, go, "", _galaxies_needed(places, "settings"), knob.help, 2)


def _methods(places: Places) -> Iterator[Entry]:
    """What each method is, in two sentences with its paper."""
    for method in read_methods().values():
        about = f"{method.about} ({method.paper})"
        yield Entry(f"What is {method.title}?", "Method", _bind(places.say, about), more=about, rank=2)


def _pages(places: Places) -> Iterator[Entry]:
    for page in read_pages():
        yield Entry(page.title, "Guide", _bind(places.show_page, page.name), "", rank=3)
        for section in page.sections[1:]:
            if section.level == 2:
                go = _bind(places.show_page, f"{page.name}#{section.anchor}")
                yield Entry(section.title, f"Guide ▸ {page.title}", go, "", rank=3)


def _bind(function: Callable[..., object], *values: object) -> Callable[[], object]:
    return lambda: function(*values)


# -- finding -----------------------------------------------------------------------------------------------------------


def find(entries: Sequence[Entry], words: str, most: int = 60) -> list[Entry]:
    """The entries that fit all words, the best first; without words, all but settings and pages, in their order."""
    sought = words.casefold().split()
    if not sought:
        return [entry for entry in entries if entry.rank < 2]
    scored = [(score, entry.rank, place) for place, entry in enumerate(entries) if (score := _score(entry, sought))]
    scored.sort(key=lambda found: (-found[0], found[1], found[2]))
    return [entries[place] for _, _, place in scored[:most]]


def _score(entry: Entry, sought: Sequence[str]) -> float:
    """How well an entry fits; 0: not at all."""
    title, where, more = entry.title.casefold(), entry.where.casefold(), entry.more.casefold()
    total = 0.0
    for word in sought:
        best = max(2 * score_text(title, word), score_text(where, word), 0.4 if word in more else 0.0)
        if best <= 0:
            return 0.0
        total += best
    return total / len(sought) + (1.0 if title == " ".join(sought) else 0.0)


def score_text(text: str, word: str) -> float:
    """How well a word fits a text: 1 as the beginning of a word, less inside one or with letters left out, else 0.

    Examples
    --------
    >>> score_text("learning rate", "rate"), score_text("learning rate", "lrn"), score_text("learning rate", "x")
    (1.0, 0.3, 0.0)
    """
    if not word or not text:
        return 0.0
    if text.startswith(word) or f" {word}" in text:
        return 1.0
    if word in text:
        return 0.7
    for start in (place for place, letter in enumerate(text) if letter == word[0]):
        if start and text[start - 1].isalnum():
            continue  # letters are left out only within a word that begins as the sought one
        rest = iter(text[start:].split(" ", 1)[0])
        if all(letter in rest for letter in word):
            return 0.3
    return 0.0
