"""Adaptation: how a network fits the open dataset, how good it is there as it is, and how much of it is to be tuned."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app import work as shared_work
from app.adapt import remedies, work
from app.adapt.widgets.adaptation_view import AdaptationView
from app.adapt.work import Checked, Pairing
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from core.data.target import Classes
from core.errors import Problem
from core.project import band_choices
from core.project.runs import RunFolder
from core.train.settings import TransferSettings

if TYPE_CHECKING:
    from core.adapt.adapted_run import AdaptedRun
    from core.adapt.domain_distance import DomainDistance
    from core.adapt.zero_shot import ZeroShot
    from core.data.resampled import Resampled
    from core.nets.layers import LayerRow

_FILE = "Weights file…"
_BACKBONE, _ENCODER = "convnext_nano", "hf_hub:mwalmsley/zoobot-encoder-convnext_nano"
_VIEWS = 12  # variations of each galaxy whose features are kept for a head that is trained alone
_FIRST_BANDS = "Say first which bands feed the network."
_MISFIT = "It cannot be used on these stamps."


class AdaptationPanel(Panel):
    """Choose a trained network, see how it fits the open dataset, and go on to tune it there.

    Parameters
    ----------
    session
        Its open dataset is the one that the network is adapted to; its draft is prepared for fine-tuning here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "adaptation", EmptyState("mdi6.swap-horizontal", "", "", _FILE), parent)
        self._asked: tuple[object, ...] | None = None
        self._judged: tuple[object, ...] | None = None
        self._pair: Pairing | None = None
        self._checked: Checked | None = None
        self._labels = 0  # how often they have changed
        self._resampled_from: Path | None = None
        self._adapting: RunFolder | None = None  # the run that is being made without labels
        self._adapted: RunFolder | None = None  # the last one that was
        self._check = self._make_request(self._show_match, self._show_refusal)
        self._distance = self._make_request(self._show_distance, self._show_no_distance)
        self._judgement = self._make_request(self._show_as_is, self._show_not_judged)
        self._layers = self._make_request(self._show_layers, self._show_no_layers)
        self._build()
        self._connect()
        self.refresh()

    # -- building --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.carry = self._add_carry_line(offers_encoder=True)
        self.network = self.carry.network
        self.view = view = AdaptationView(self.state, self._session.draft.settings.transfer, self)
        self.match, self.bands, self.classes = view.match, view.bands, view.classes
        self.pixels, self.as_is, self.layers, self.how = view.pixels, view.as_is, view.layers, view.how
        self.study, self.tune, self.without_labels = view.study, view.tune, view.without_labels
        self._set_content(view)

    def _connect(self) -> None:
        session = self._session
        assert self.empty is not None
        self.empty.clicked.connect(self.network.ask_file)
        session.keep_undo(self.layers, self.how)
        session.carried.changed.connect(self.refresh)
        self.network.encoder_wanted.connect(self._prepare_encoder)
        self.match.helped.connect(self._help)
        self.bands.chosen.connect(self._keep_bands)
        self.bands.refused.connect(self.match.rows["bands"].remedy.setText)
        self.classes.edited.connect(self._map_classes)
        self.layers.changed.connect(self._take_depth)
        self.tune.clicked.connect(self._fine_tune)
        self.study.clicked.connect(self._begin_study)
        self.without_labels.wanted.connect(self._adapt)
        self.without_labels.use_wanted.connect(self._use_adapted)
        self.work.finished.connect(self._open_resampled)
        session.project_changed.connect(self._forget_adapted)
        session.dataset.changed.connect(self.refresh)
        session.dataset.split_changed.connect(self._note_labels)
        session.activity.training_begun.connect(self._show_state)
        session.activity.training_advanced.connect(self._show_state)

    # -- what is compared ------------------------------------------------------------------------------------------

    def _note_labels(self) -> None:
        self._labels += 1
        self.refresh()

    def _drop_outdated(self) -> None:
        cutouts = self._session.dataset.cutouts
        if self._pair is not None and (cutouts is None or self._pair.data != cutouts.path):
            self._stop_comparing()

    def _stop_comparing(self) -> None:
        for request in (self._check, self._distance, self._judgement, self._layers):
            request.stop()
        self._pair = self._checked = self._asked = self._judged = None

    def _renew(self) -> None:
        cutouts, network = self._session.dataset.cutouts, self._session.carried.path
        assert self.empty is not None
        self.empty.button.setVisible(cutouts is not None)
        if cutouts is None or network is None or not network.exists():
            self._stop_comparing()
            if cutouts is None:
                self._show_empty("No survey to adapt to", "Open the dataset of the new survey first.")
            else:
                text = "Train one on another dataset of this project first, or choose a weights file."
                self._show_empty("No network to adapt", text)
            return
        self._show_content()
        draft, journal = self._session.draft.settings, self._session.dataset.journal
        self._pair = Pairing(
            network, cutouts.path, draft.data, draft.seed, journal, dict(self._session.carried.class_map)
        )
        bands = band_choices.recall(network, [band.name for band in cutouts.bands])
        modified = network.stat().st_mtime_ns
        asked = (network, modified, cutouts.path, bands, draft.data, draft.seed, self._labels)
        if asked != self._asked:
            self._asked = asked
            self._begin_check(self._pair)
        self._judge()
        self._show_state()

    def _begin_check(self, pair: Pairing) -> None:
        """Compare the two surveys anew."""
        self._checked = self._judged = None
        self.match.begin()
        self.as_is.begin()
        self._check.start(work.check(pair))
        self._distance.start(work.measure_distance(pair))
        cutouts = self._session.dataset.cutouts
        assert cutouts is not None
        self._layers.start(shared_work.read_base_layers(pair.network, cutouts.shape[1:]))

    # -- do they fit? ----------------------------------------------------------------------------------------------

    def _show_match(self, found: Checked) -> None:
        self._checked = found
        match = found.match
        self.match.show_lines(match.lines)
        for aspect, row in self.match.rows.items():
            if aspect != "distance":
                row.offer(*remedies.offer(match, aspect))
        self.match.rows["values"].button.setCheckable(True)
        self.match.rows["values"].button.setChecked(self._session.carried.scaling == "refitted")
        self._show_choosers()
        if found.edges is not None and found.target is not None and match.target is not None:
            self.pixels.show_surveys(found.edges, (found.source, match.source), (found.target, match.target))
        self.view.pixels_fold.setVisible(found.edges is not None)
        self._judge()
        self._show_state()

    def _show_choosers(self) -> None:
        """Fill the choosers of bands and classes; each is shown once its button is pressed."""
        assert self._checked is not None
        match, cutouts = self._checked.match, self._session.dataset.cutouts
        if cutouts is None:
            return
        bands = [band.name for band in cutouts.bands]
        self.bands.show_bands(match.wanted, bands, match.bands or remedies.suggest_bands(match, bands))
        if isinstance(match.old, Classes) and isinstance(match.new, Classes):
            self.classes.show_classes(match.old.names, match.new.names, match.classes.mapping)
        line = match.line("bands")
        self.bands.setVisible(line.state == "a problem")

    def _show_refusal(self, problem: object) -> None:
        self._checked = None
        sentence = self._describe(problem)
        for row in self.match.rows.values():
            row.show_line("not known", "", "")
        self.match.rows["bands"].show_line("a problem", sentence, "")
        self.as_is.say("")
        self._show_state()

    def _show_distance(self, found: DomainDistance) -> None:
        state = "can be adapted" if found.test.tells_apart else "fits"
        remedy = "They are not the same to the network: expect it to be worse here." if found.test.tells_apart else ""
        self.match.rows["distance"].show_line(state, found.sentence, remedy)

    def _show_no_distance(self, problem: object) -> None:
        self.match.rows["distance"].show_line("not known", self._describe(problem), "")

    # -- remedies --------------------------------------------------------------------------------------------------

    def _help(self, aspect: str) -> None:
        """Do what the button beside a line says."""
        if self._checked is None or self._pair is None:
            return
        match = self._checked.match
        action = match.line(aspect).action
        if action == "bands":
            if remedies.is_proposed(match):
                self._keep_bands(match.bands)
            else:
                self.bands.setVisible(self.bands.isHidden())
        elif action == "classes":
            if match.classes.suggested:
                self._map_classes({**match.classes.mapping, **match.classes.suggested})
            else:
                self.classes.setVisible(self.classes.isHidden())
        elif action == "scaling":
            fitted = self.match.rows["values"].button.isChecked()
            self._session.carried.scale("refitted" if fitted else "kept")
        elif action == "resample":
            self._resample()

    def _keep_bands(self, text: str) -> None:
        cutouts = self._session.dataset.cutouts
        if self._pair is None or cutouts is None:
            return
        try:
            band_choices.remember(self._pair.network, [band.name for band in cutouts.bands], text)
        except Problem as problem:
            self._session.report(problem)
            return
        self._session.predictor_changed.emit()  # for the panels that show this network
        self.refresh()

    def _map_classes(self, mapping: dict[str, str]) -> None:
        if self._checked is None or self._pair is None:
            return
        self._session.carried.continue_classes(mapping)
        self._show_match(replace(self._checked, match=self._checked.match.with_classes(mapping)))
        self.classes.show()

    def _resample(self) -> None:
        assert self._checked is not None and self._pair is not None
        project, match = self._session.project, self._checked.match
        if project is None:
            return
        factor = match.resample if match.resample == match.resample else 1.0
        data = self._pair.data
        output = remedies.find_free(project.dataset_path, f"{data.stem} × {factor:.2f}")
        self._resampled_from = data
        self._begin(work.resample(data, output, factor, match.side, self._pair.journal))

    def _open_resampled(self, made: Resampled) -> None:
        text = " ".join([f"{made.galaxies:,} galaxies in “{made.path.stem}”.", *made.notes])
        self.state.setText(text)
        cutouts = self._session.dataset.cutouts
        if cutouts is not None and cutouts.path == self._resampled_from:
            self._session.dataset_wanted.emit(made.path)
        else:  # the user has gone on to another dataset
            self._session.message.emit(f"{text} It is among the project’s datasets.")

    # -- as it is --------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Evaluate the network as it is, once bands and stamps fit."""
        if self._checked is None or self._pair is None:
            return
        match = self._checked.match
        if match.line("bands").state == "a problem" or remedies.is_proposed(match):
            self.as_is.say(_FIRST_BANDS)
        elif match.line("stamps").state == "a problem":
            self.as_is.say(f"{_MISFIT} {match.line('stamps').remedy}")
        elif (wanted := (self._asked, self._session.carried.scaling, dict(self._pair.class_map))) != self._judged:
            self._judged = wanted
            self._judgement.start(work.judge_as_is(self._pair, self._session.carried.scaling))

    def _show_as_is(self, found: ZeroShot) -> None:
        self.as_is.show_result(found)

    def _show_not_judged(self, problem: object) -> None:
        self.as_is.say(self._describe(problem))

    # -- without labels --------------------------------------------------------------------------------------------

    def _adapt(self, method: str) -> None:
        """Adapt the network without labels, into a run of its own."""
        project, pair, carried = self._session.project, self._pair, self._session.carried
        if project is None or pair is None or self._adapting is not None:
            return
        try:
            folder = project.new_run(f"{carried.title}, {method} on {pair.data.stem}")
        except Problem as problem:
            self.without_labels.say(problem.text, is_problem=True)
            return
        self._adapting, self._adapted = folder, None
        job = work.adapt(pair, method, folder, carried.scaling)  # pyrefly: ignore[bad-argument-type]
        job.finished.connect(self._show_adapted)
        job.failed.connect(lambda problem: self.without_labels.say(self._describe(problem), is_problem=True))
        job.stopped.connect(lambda: self.without_labels.say("Stopped."))
        job.ended.connect(self._end_adapting)
        self.without_labels.say(f"Adapting to {pair.data.stem}…")
        if method == "adabn":
            self._session.activity.add(job)
            job.start()
        else:
            self._session.activity.begin_training(job, folder)
        self._show_state()

    def _show_adapted(self, found: AdaptedRun) -> None:
        self._adapted = RunFolder(found.folder)
        self.without_labels.say(f"{self._adapted.title}: {found.sentence}", is_worse=found.is_worse, is_usable=True)

    def _end_adapting(self) -> None:
        folder, self._adapting = self._adapting, None
        if folder is not None:
            with contextlib.suppress(OSError):  # if nothing was written, leave no empty folder
                folder.path.rmdir()
        self._session.runs_changed.emit()
        self._show_state()

    def _forget_adapted(self) -> None:
        """The last adapted network belongs to a project that is no longer open."""
        self._adapted = None
        if self._adapting is None:
            self.without_labels.say_nothing()

    def _use_adapted(self) -> None:
        if self._adapted is not None and self._adapted.best.exists():
            self._session.open_run(self._adapted)

    # -- how much to tune ------------------------------------------------------------------------------------------

    def _show_layers(self, rows: list[LayerRow]) -> None:
        cutouts = self._session.dataset.cutouts
        scale = float("nan") if cutouts is None or not len(cutouts) else float(cutouts.pixel_scale[0])
        self.layers.show_layers(rows, scale)
        self._show_state()

    def _show_no_layers(self, problem: object) -> None:
        self.layers.show_layers([], float("nan"))
        self.layers.sentence.setText(self._describe(problem))

    # -- going on --------------------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        """Enable what makes sense now."""
        is_free = not self._session.activity.at_work and not self.work.is_running
        is_ready = self._checked is not None and self.layers.blocks > 0 and remedies.is_ready(self._checked.match)
        for button in (self.tune, self.study):
            button.setEnabled(is_ready and is_free)
        fits = self._checked is not None and remedies.fits(self._checked.match)
        self.without_labels.begin.setEnabled(fits and is_free and self._adapting is None)

    @property
    def transfer(self) -> TransferSettings:
        """What a training starts with: this network, with what was chosen here."""
        carried = self._session.carried
        return self.how.value().model_copy(
            update={
                "start_from": carried.start_from,
                "freeze_blocks": self.layers.frozen,
                "bands": "",  # those that are kept with the network
                "class_map": dict(carried.class_map),
                "input_scaling": carried.scaling,
            }
        )

    def _take_depth(self, frozen: int) -> None:
        """Have the features kept where nothing but the head is trained: then it takes seconds."""
        how = self.how.value()
        if frozen == self.layers.blocks and not how.cached_views:
            self.how.set_value(how.model_copy(update={"cached_views": _VIEWS}))

    def _prepare(self) -> None:
        """Prepare the draft of the next training."""
        self._session.draft.edit("transfer", self.transfer)

    def _prepare_encoder(self) -> None:
        """Prepare a training that starts from an encoder of the hub; there is nothing of it to compare."""
        values = {"transfer": TransferSettings(), "network.backbone": _BACKBONE, "network.weights": _ENCODER}
        self._session.draft.edit_together(values)
        self._session.workspace_wanted.emit("train")
        self._session.message.emit(
            "A training with the Zoobot encoder of the hub is prepared. It knows no classes and no survey, so that "
            "there is nothing to compare. Others are named under Network."
        )

    def _fine_tune(self) -> None:
        self._prepare()
        self._session.workspace_wanted.emit("train")
        self._session.message.emit("A training that starts from this network is prepared: look at it, and start it.")

    def _begin_study(self) -> None:
        self._prepare()
        self._session.open_study(None)
        self._session.workspace_wanted.emit("studies")
        self._session.panel_wanted.emit(remedies.LABEL_STUDY)
