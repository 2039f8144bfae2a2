import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnreadableFile
from core.project import notes
from core.project.notes import Notes

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"))


@given(texts, st.lists(texts))
def test_notes_come_back_as_they_were_written(tmp_path_factory, text, tags):
    folder = tmp_path_factory.mktemp("run")
    notes.write(folder, Notes(text, tuple(tags)))
    assert notes.read(folder) == Notes(text, tuple(tags))


def test_without_a_file_they_are_empty_and_a_damaged_one_is_told(tmp_path):
    assert notes.read(tmp_path) == Notes()
    (tmp_path / "notes.toml").write_text("text = ")
    with pytest.raises(UnreadableFile, match="notes cannot be read"):
        notes.read(tmp_path)


def test_tags_are_typed_with_commas():
    assert notes.tags_of(" bars,  SDSS ,, bars ") == ("bars", "SDSS")
