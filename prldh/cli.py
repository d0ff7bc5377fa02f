"""The command line: parse, call, print. No logic."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

import prldh
from prldh.core import (
    PrldhError,
    bounds,
    check_handles,
    end_tidily,
    in_lines,
    interruption_told,
    is_interruption,
    is_lost,
    legible,
    open_streams,
    passing_through,
    printable,
    quoted,
    ran_out,
    silence,
    status_when_interrupted,
    told_of,
    was_interrupted,
)

if TYPE_CHECKING:  # the rooms are imported on first use, so that --help is quick
    import prldh.apply
    import prldh.checklists
    import prldh.demo
    import prldh.doctor
    import prldh.plugins
    import prldh.report
    import prldh.results
    import prldh.run
    import prldh.study
    import prldh.testing
    import prldh.work


class Place(click.Path):
    """A path; a blank one, as of a shell's variable that is not set, would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is blank. Give one; the working directory is '.'.", param, context)
        return super().convert(value, param, context)


class Once(click.Option):
    """An option that is given once: click lets the last of several values count, without a word."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        self.multiple = True  # so that the parser keeps every value
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = False

    def handle_parse_result(self, ctx: click.Context, opts: Any, args: list[str]) -> tuple[Any, list[str]]:
        if self.name in opts:
            given = opts[self.name]
            if len(set(given)) > 1 and not ctx.resilient_parsing:
                told = " and ".join(quoted(value) for value in dict.fromkeys(given))
                raise click.BadParameter(f"it is given {len(given)} times, as {told}. Give it once.", ctx, self)
            opts = {**opts, self.name: given[-1]}
        return super().handle_parse_result(ctx, opts, args)


def held(command: click.Command) -> click.Command:
    """A command, of prldh or of a plugin, whose paths are places and whose options are given once."""
    for param in command.params:
        if type(param.type) is click.Path:
            own = Place()
            vars(own).update(vars(param.type))
            param.type = own
        if type(param) is click.Option and not (param.multiple or param.count):
            param.__class__ = Once
    for each in getattr(command, "commands", {}).values():
        held(each)
    return command


class Named(click.Choice):
    """One of a few names, of which click's message would be several lines where none is given."""

    def get_missing_message(self, *_: Any, **__: Any) -> str:
        return f"Choose {' or '.join(map(str, self.choices))}."


@contextmanager
def _cut_short() -> Iterator[None]:
    """What click repeats of an argument is cut as everywhere."""
    try:
        yield
    except click.UsageError as error:
        message = error.format_message()
        cut = legible(message)
        if cut == message:
            raise
        raise click.UsageError(cut, error.ctx) from None


def _end_interrupted(stop: object = None) -> NoReturn:
    click.echo(f"prldh: {interruption_told(stop)}", err=True)
    sys.exit(status_when_interrupted())


class PrldhGroup(click.Group):
    """Turns a user's mistake into one message and exit status 1, an interruption into 130."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, which would say "Aborted!" of an interruption, with status 1, wherever in it one comes."""
        status: Any
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.Abort as stop:
            if stop.__cause__ is not None and is_interruption(stop.__cause__):
                _end_interrupted(stop.__cause__)
            if not standalone_mode:  # somebody answered a question with no
                raise
            click.echo("Aborted!", err=True)
            sys.exit(1)
        except (KeyboardInterrupt, SystemError) as stop:  # while click handled another
            if not is_interruption(stop):
                raise
            _end_interrupted(stop)
        except click.ClickException as error:
            if not standalone_mode:
                raise
            error.show()
            sys.exit(error.exit_code)
        if standalone_mode:
            sys.exit(status or 0)
        return status

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        with _cut_short():
            return super().make_context(*given, **named)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        found = super().get_command(context, name)
        return None if found is None else held(found)

    def invoke(self, context: click.Context) -> None:
        try:
            with passing_through(), _cut_short():
                super().invoke(context)
        except PrldhError as error:
            is_kept = error.unnamed is not None and not sys.stderr.isatty()
            click.echo(f"prldh: {error.unnamed if is_kept else error}", err=True)
            context.exit(1)
        except (KeyboardInterrupt, SystemError) as stop:
            if not is_interruption(stop):
                raise
            _end_interrupted(stop)
        except (MemoryError, OSError, ImportError) as error:
            what = ran_out(error)
            if what is None and isinstance(error, OSError) and not is_lost(error):
                what = told_of(error)  # what no reader or writer told in its own words
            if what is None:
                raise
            click.echo(f"prldh: {what}", err=True)
            context.exit(1)


@click.group(cls=PrldhGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(prldh.__version__, prog_name="prldh")
def cli() -> None:
    """Radiomics studies, from tables to a report that a statistician accepts."""


def _say(text: str) -> None:
    """Print lines that may repeat names that somebody gave: a terminal obeys none of it. What is to be one line has
    gone through ``in_lines``."""
    click.echo(printable(text, keep="\n"))


def telling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--quiet``, ``--verbose`` and ``--log`` of a command that takes its time: it is given a ``Teller``."""

    @click.option("--quiet", "is_quiet", is_flag=True, help="Print nothing but messages of errors.")
    @click.option("--verbose", "is_verbose", is_flag=True, help="Print every step as a line.")
    @click.option("--log", type=click.Path(path_type=Path), metavar="FILE", help="Write all of it to FILE, with times.")
    @functools.wraps(command)
    def wrapped(*given: Any, is_quiet: bool, is_verbose: bool, log: Path | None, **named: Any) -> Any:
        if is_quiet and is_verbose:
            raise click.UsageError("--quiet and --verbose exclude each other.")
        with prldh.work.Teller(is_quiet, is_verbose, log) as teller:
            return command(*given, teller=teller, **named)

    return wrapped


jobs_option = click.option("--jobs", type=click.IntRange(1, bounds.JOBS), help="Worker processes; default all cores.")
dask_option = click.option("--dask", metavar="ADDRESS", help="Address of a Dask scheduler; overrides the study file.")


@cli.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output folder.")
@click.option(
    "--engine", type=click.Choice(["r", "python", "both"]), help="Statistics engine; overrides the study file."
)
@jobs_option
@dask_option
@click.option("--seed", type=click.IntRange(0, bounds.SEED), help="Seed; overrides the study file.")
@click.option("--force", is_flag=True, help="Replace results that are already there.")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="A plan made before: tell every deviation.")
@telling_options
def analyze(
    teller: prldh.work.Teller,
    study: Path,
    out: Path,
    engine: str | None,
    jobs: int | None,
    dask: str | None,
    seed: int | None,
    force: bool,
    plan_file: Path | None,
) -> None:
    """Analyse STUDY.yaml and write its report to the output folder."""

    with teller.progress() as progress:
        results = prldh.analyze(
            study,
            out,
            engine=engine,
            jobs=jobs,
            dask=dask,
            seed=seed,
            force=force,
            progress=progress,
            plan_file=plan_file,
        )
    teller.say(prldh.run.summarise_run(results, out))


@cli.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write, JSON.")
@click.option("--force", is_flag=True, help="Replace a plan that is already there.")
def plan(study: Path, out: Path, force: bool) -> None:
    """Write down what an analysis of STUDY.yaml will be, before outcomes are looked at; none is read."""

    _say(in_lines(prldh.run.write_plan(study, out, force=force)))


@cli.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Output folder; not needed with --check.")
@jobs_option
@dask_option
@click.option("--check", "only_check", is_flag=True, help="Only look at the images and masks, and list what is found.")
@click.option("--strict", "is_strict", is_flag=True, help="Stop at the first case that would be put aside.")
@click.option(
    "--verify",
    type=click.IntRange(0, bounds.ROWS),
    default=0,
    metavar="N",
    help="Measure N random cases again by the reference implementation.",
)
@click.option("--force", is_flag=True, help="Replace features that are already there.")
@telling_options
def extract(
    teller: prldh.work.Teller,
    study: Path,
    out: Path | None,
    jobs: int | None,
    dask: str | None,
    only_check: bool,
    is_strict: bool,
    verify: int,
    force: bool,
) -> None:
    """Measure the images of STUDY.yaml and write feature tables to the output folder."""

    if only_check:
        with teller.progress() as progress:
            findings = prldh.check(study, jobs=jobs, progress=progress)
        lines, is_well = prldh.run.summarise_findings(findings, is_kept=teller.is_kept)
        teller.say(lines)
        if is_strict and not is_well:
            sys.exit(1)
        return
    if out is None:
        raise click.UsageError("give --out FOLDER, or --check to look only.")
    with teller.progress() as progress:
        done = prldh.extract(
            study, out, jobs=jobs, dask=dask, force=force, is_strict=is_strict, verify=verify, progress=progress
        )
    teller.say(prldh.run.summarise_extraction(done, out, is_kept=teller.is_kept))


@cli.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder for both studies."
)
@jobs_option
@click.option("--force", is_flag=True, help="Replace results that are already there.")
@click.option(
    "--data-only",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the studies' data and study files there and analyse nothing; images with masks as well.",
)
@telling_options
def demo(teller: prldh.work.Teller, out: Path, jobs: int | None, force: bool, data_only: Path | None) -> None:
    """Two synthetic studies, analysed: the published tables, and features."""

    if data_only is not None:
        prldh.demo.demo_cohort().write(data_only, force=force, say=teller.say)
        return
    # said before anything is imported that takes seconds
    teller.say("Two studies of SYNTHETIC patients are made, analysed and shown.\n")
    prldh.demo.run_demo(out, jobs, force, teller)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
@click.option(
    "--from",
    "tables",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="TABLE...",
    help="Tables to look at: the study file is written for them, with every guess marked.",
)
def init(folder: Path, more: tuple[Path, ...], tables: tuple[Path, ...]) -> None:
    """Write a commented study file and its folders to start from, or one for the tables after --from."""

    if more and not tables:
        raise click.UsageError(f"tables stand after --from: prldh init {folder} --from {' '.join(map(str, more))}")
    lines = prldh.run.write_study_from([folder, *more], tables) if tables else prldh.study.write_scaffold(folder)
    _say(in_lines(lines))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--figures",
    "formats",
    multiple=True,
    type=click.Choice(["svg", "pdf", "png", "tiff"]),
    help="Format of figures beside the report; may be repeated. Default: the study's.",
)
@click.option(
    "--dpi",
    multiple=True,
    type=click.IntRange(72, 1200),
    help="Resolution of PNG and TIFF; may be repeated. Default: the study's.",
)
@click.option("--grey", is_flag=True, help="Write every figure in grey too.")
@jobs_option
def report(folder: Path, formats: tuple[str, ...], dpi: tuple[int, ...], grey: bool, jobs: int | None) -> None:
    """Render report.html, figures and tables for Word and LaTeX again from results.json; nothing is computed."""

    _say(prldh.render(folder, jobs, formats=formats, dpi=dpi, grey=grey))


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("cohorts", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="COHORT...")
@click.option(
    "--recalibrate",
    type=click.Choice(["none", "intercept", "slope"]),
    default="none",
    show_default=True,
    help="Fit the intercept, or intercept and slope, on the part that the cohort file states; judge on the rest.",
)
@click.option("--accept-edited", is_flag=True, help="Apply a model.json that was changed after it was written.")
@jobs_option
@click.option("--force", is_flag=True, help="Replace what is there of a cohort of this name.")
@telling_options
def apply(
    teller: prldh.work.Teller,
    run: Path,
    cohorts: tuple[Path, ...],
    recalibrate: str,
    accept_edited: bool,
    jobs: int | None,
    force: bool,
) -> None:
    """Apply the frozen models of RUN to the new patients of each COHORT file: predictions, and external validation
    where outcomes are known, of several cohorts pooled too. RUN may be a cohort's folder with recalibrated models."""

    with teller.progress() as progress:
        applied = prldh.apply_models(
            run,
            list(cohorts),
            recalibrate=recalibrate,
            accept_edited=accept_edited,
            jobs=jobs,
            force=force,
            progress=progress,
        )
    teller.say(in_lines(prldh.apply.summarise_applied(applied, run)))


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--model", metavar="NAME", help="As the report calls it; default: the one whose held-out AUC leads.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE.html", help="The page to write.")
@click.option("--accept-edited", is_flag=True, help="Take a model.json that was changed after it was written.")
@click.option("--force", is_flag=True, help="Replace a file that is there and no calculator.")
def calculator(run: Path, model: str | None, out: Path, accept_edited: bool, force: bool) -> None:
    """Write a model of RUN as one page: values in, risk out, refused outside the training range. Not a medical device.
    RUN may be a cohort's folder with recalibrated models."""

    _say(prldh.write_calculator(run, out, model=model, accept_edited=accept_edited, force=force))


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write everything to this file too: .html, .csv or .json by its name.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there and no comparison.")
def compare(runs: tuple[Path, ...], out: Path | None, force: bool) -> None:
    """Finished runs beside each other: settings and patients that differ, and every number."""

    compared = prldh.compare_runs(runs)
    line = prldh.report.write_comparison(compared, out, force=force) if out else ""
    _say(prldh.report.summarise_comparison(compared))
    if line:
        _say(in_lines([line]))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--standard", required=True, metavar="NAME", help="ibsi, clear, metrics, tripod-ai, claim, or one of a plugin."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "csv", "json", "docx", "tex"]),
    help="Format of the file; default: as --out ends, or html.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write; default: in PATH's folder checklists, or beside a feature file.",
)
@click.option("--answers", type=click.Path(path_type=Path), help="checklist.yaml with the author's answers.")
@click.option("--force", is_flag=True, help="Replace a file that is there and no checklist; never one of the run.")
def checklist(path: Path, standard: str, form: str | None, out: Path | None, answers: Path | None, force: bool) -> None:
    """Fill in a reporting checklist from an output folder, or from a PyRadiomics feature file."""

    _say(in_lines(prldh.run_checklist(path, standard, form, out, answers, force=force)))


@cli.group()
def plugins() -> None:
    """What is plugged in."""


@plugins.command("list")
def plugins_list() -> None:
    """Everything that the hooks register, and where it comes from."""

    registry = prldh.plugins.Registry()
    for hook, kind in prldh.plugins.REGISTRIES.items():
        for name, (item, plugin) in registry.registered(hook).items():
            _say(in_lines([f"{kind.noun:16} {name:18} {getattr(item, 'version', ''):8} from {plugin}"]))


@plugins.command("check")
@click.argument("name")
@click.option(
    "--settings",
    metavar="YAML",
    help="What a study file would say, by object, where defaults do not do: 'uctransnet: {checkpoint: best.pt}'.",
)
@click.option("--json", "is_json", is_flag=True, help="Print what became of each check as JSON.")
def plugins_check(name: str, settings: str | None, is_json: bool) -> None:
    """Put what the plugin NAME registers to the test: a line for each promise of prldh/plugins/interfaces.py."""

    n_failed, found = 0, []
    for outcome in prldh.testing.check_plugin(prldh.plugins.Registry(), name, settings):
        found.append(outcome._asdict())
        n_failed += not outcome.is_well
        if not is_json:
            _say(str(outcome))
    if is_json:
        click.echo(json.dumps({"plugin": name, "failed": n_failed, "checks": found}, indent=2))
    if n_failed:
        click.echo(
            f"prldh: {n_failed} check{'s' * (n_failed > 1)} failed. prldh/plugins/interfaces.py says what is promised.",
            err=True,
        )
        sys.exit(1)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="What it brings: source, transform, selector, learner, validator, statistic, checklist or section; may be"
    " repeated. Default: a selector and a source.",
)
@click.option(
    "--in", "parent", type=click.Path(path_type=Path), default=Path(), help="Folder to write it in; default: here."
)
def plugins_new(name: str, kinds: tuple[str, ...], parent: Path) -> None:
    """Write a plugin to start from, the distribution NAME, with its tests."""

    _say(in_lines(prldh.testing.write_skeleton(name, parent, kinds)))


@cli.command()
def doctor() -> None:
    """What is installed, what is missing, and the line that mends it."""

    lines, is_well = prldh.doctor.examine()
    _say(in_lines(lines))
    if not is_well:
        sys.exit(1)


@cli.command()
@click.argument("which", type=Named(["study", "results"]))
def schema(which: str) -> None:
    """Print the JSON schema of the study file or of results.json."""

    click.echo(json.dumps(prldh.results.schema_of(which), indent=2))


def main() -> None:
    """Entry point; plugins add their commands first."""
    is_seen = open_streams()
    end_tidily()
    try:
        check_handles()
        prldh.plugins.Registry(load_built_ins=False).add_commands(cli)
        cli()
    except PrldhError as error:
        click.echo(f"prldh: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt as stop:  # before a command has begun, or when it has ended
        _end_interrupted(stop)
    except OSError as error:  # of what is printed; results are written by then
        if not is_lost(error):
            raise
        with suppress(OSError):
            click.echo(f"prldh: what is printed cannot be written: {error.strerror}.", err=True)
        silence()
        sys.exit(1)
    except SystemExit as end:
        if end.code in (0, None) and was_interrupted():  # where something caught it
            _end_interrupted()
        if is_seen or end.code not in (0, None):
            raise
        click.echo("prldh: what was to be printed is lost, as standard output is closed.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
