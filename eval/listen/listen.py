"""What is heard against what was sung: `cargo xtask eval listen SHARED [--peers | --all-peers]`.

SHARED holds recordings and a scorer that are no part of the project. Every clip of clips.py is analysed live (causal)
and in the studio (offline), on the sets with a known pitch also by the other pitch trackers, and scored with mir_eval.
Printed are one table, the targets, what the noises made the program hear, and where it loses; the same with every clip,
a list of the losses and a picture a voice are left in target/listen/.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import clips as known
import figures
import losses
import pictures
import tools

WIDTH = 34


class Results:
    """Figures by set, clip and tool."""

    def __init__(self):
        self.rows = {}

    def add(self, clip, tool, row):
        """The figures of a tool on a clip."""
        self.rows[clip.group, clip.name, tool] = row

    def means(self):
        """Mean figures by set and tool, in the order in which they came."""
        gathered = {}
        for (group, _, tool), row in self.rows.items():
            gathered.setdefault((group, tool), []).append(row)
        return {key: figures.mean(rows) for key, rows in gathered.items()}

    def write(self, path):
        """Every figure of every clip."""
        names = sorted({name for row in self.rows.values() for name in row})
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["set", "clip", "tool", *names])
            for key, row in self.rows.items():
                writer.writerow([*key, *[row.get(name, "") for name in names]])


def main():
    """Measures everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    resolved = lambda path: Path(path).resolve()
    parser.add_argument("shared", type=resolved, help="folder with data/audio and kit")
    parser.add_argument("--collavoce", type=resolved, required=True, help="the program")
    parser.add_argument("--out", type=resolved, required=True, help="folder for what is made")
    parser.add_argument("--peers", action="store_true", help="install and run other tools, the usual ones")
    parser.add_argument("--all-peers", action="store_true", help="install and run all of them")
    given = parser.parse_args()
    for needed in ("kit/score.py", "kit/truth/vocadito_1.json", "data/audio/vocadito_1.wav"):
        if not (given.shared / needed).exists():
            sys.exit(f"{given.shared / needed} is missing")
    sys.path.insert(0, str(given.shared / "kit"))
    import score as scorer  # The kit's, by its path.

    clips, left_out = known.all_clips(given.shared, given.out, given.collavoce)
    results = Results()
    heard = run_ours(given, clips, scorer, results, left_out)
    run_annotators(clips, scorer, results)
    run_peers(given, clips, scorer, results, left_out)
    stored(results)
    results.write(given.out / "table.csv")
    table = [*table_of(results), "", *noise_table(clips, heard), "", *targets(results)]
    table += ["", *loss_shares(clips, heard, scorer)]
    table += [f"left out: {what}" for what in left_out]
    print("\n".join(table))
    (given.out / "table.txt").write_text("\n".join(table) + "\n", encoding="utf-8")
    write_losses(given, clips, heard, scorer)
    draw(given, clips)
    print(f"every clip in {given.out / 'table.csv'}, losses in {given.out / 'losses.txt'}, pictures beside them")


def run_ours(given, clips, scorer, results, left_out):
    """Runs the program; returns its analyses by clip and mode."""
    heard = {}
    for method in tools.METHODS:
        for clip in clips:
            if method != tools.DEFAULT and clip.group not in tools.PITCH_SETS:
                continue
            for mode in tools.MODES:
                analysis, problem = tools.analyse(given.collavoce, clip, mode, method, given.out / "ours")
                if analysis is None:
                    left_out.append(f"{clip.name}, {mode}, {method}: {problem}")
                    if clip.group in tools.MIXES:
                        results.add(clip, mode, figures.nothing(clip))
                    continue
                if method == tools.DEFAULT:
                    heard[clip.name, mode] = analysis
                tool = mode if method == tools.DEFAULT else f"{mode}, {method}"
                if clip.group != "noise":
                    results.add(clip, tool, figures.score(scorer, analysis, clip))
    return heard


def run_annotators(clips, scorer, results):
    """One annotator against the other."""
    for clip in clips:
        for number, other in enumerate(clip.others, start=2):
            results.add(clip, f"annotator {number} against 1", scorer.score(other, clip.truth))


def run_peers(given, clips, scorer, results, left_out):
    """Runs what is wanted of other people's tools; what they left earlier is shown in any case."""
    wanted = {**tools.PEERS, **tools.MORE_PEERS} if given.all_peers else tools.PEERS
    peers = tools.Peers(given.shared, given.out, wanted)
    if given.peers or given.all_peers:
        for name in wanted:
            analyses = peers.run(name, clips)
            for clip in clips:
                if clip.name in analyses:
                    results.add(clip, name, figures.score(scorer, analyses[clip.name], clip))
            if name == "swift_f0":
                notes_by_rules(given, clips, analyses, scorer, results)
    left_out += peers.problems


def notes_by_rules(given, clips, analyses, scorer, results):
    """The kit's rules for notes on a peer's pitch."""
    import f0seg
    import soundfile

    for clip in clips:
        if clip.group in tools.SUNG and clip.name in analyses:
            sound, rate = soundfile.read(clip.audio, always_2d=True)
            notes = f0seg.segment(analyses[clip.name]["pitch"], sound.mean(axis=1), rate)
            made = {"notes": notes, "onsets": [{"time_s": note["onset_s"]} for note in notes]}
            results.add(clip, "f0seg on swift_f0", figures.score(scorer, made, clip))


def stored(results):
    """Figures measured earlier."""
    for group, tools_of in figures.STORED.items():
        for tool, row in tools_of.items():
            results.rows[group, "", f"stored: {tool}"] = row


def table_of(results):
    """The table: every set with every tool, then every clip with ours."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=tools.HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [f"measured on {described.stdout.strip() or 'no commit'}; the mean over the clips of each set"]
    lines.append(figures.heading(WIDTH))
    means = results.means()
    for group in [*known.SETS, "voices not here"]:
        rows = {tool: row for (of, tool), row in means.items() if of == group}
        if rows:
            lines.append(f"-- {group}")
            lines += [figures.line(f"  {tool}", row, WIDTH) for tool, row in rows.items()]
    lines += ["", "every clip", figures.heading(WIDTH)]
    for (_, clip, tool), row in results.rows.items():
        if tool in tools.MODES:
            lines.append(figures.line(f"{clip} {tool}", row, WIDTH))
    return lines


def noise_table(clips, heard):
    """What is heard where nobody sings."""
    lines = ["where nobody sings, before the singing begins (at most 5 % of frames voiced, no note)"]
    for clip in clips:
        for mode in tools.MODES if clip.group == "noise" else []:
            analysis = heard.get((clip.name, mode))
            if analysis is None:
                lines.append(f"  {clip.name:<20} {mode:<6} not measured")
                continue
            pitch, end_s = analysis["pitch"], clip.quiet_s - known.NOISE_MARGIN_S
            voiced = pitch["voiced"][: int(end_s / pitch["hop_s"])]
            share = sum(voiced) / max(len(voiced), 1)
            notes = sum(note["onset_s"] < end_s for note in analysis["notes"])
            verdict = "met" if share <= figures.MOST_VOICED and notes == 0 else "MISSED"
            lines.append(f"  {clip.name:<20} {mode:<6} {verdict:<7} {share:6.1%} voiced, {notes} notes")
    return lines


def targets(results):
    """What was aimed at."""
    lines, missed = figures.against_targets(results.means())
    return [f"targets, {missed} not met", *[f"  {line}" for line in lines]]


def loss_shares(clips, heard, scorer):
    """Kinds of slips as shares."""
    lines = ["slips: octave, glide, pitch, missed in % of the voiced frames, false in % of the unvoiced ones"]
    lines.append(f"{'':<{WIDTH}} " + " ".join(f"{kind:>7}" for kind in losses.KINDS))
    for clip in clips:
        for mode in tools.MODES if "pitch" in clip.truth else []:
            if (clip.name, mode) in heard:
                _, shares = losses.pitch_losses(scorer, heard[clip.name, mode], clip.truth)
                cells = " ".join(f"{100 * shares[kind]:7.2f}" for kind in losses.KINDS)
                lines.append(f"{clip.name + ' ' + mode:<{WIDTH}} {cells}")
    return lines


def write_losses(given, clips, heard, scorer):
    """Every stretch of wrong frames, every onset that is missed or extra."""
    lines = losses.__doc__.splitlines()
    for clip in clips:
        for mode in tools.MODES:
            analysis = heard.get((clip.name, mode))
            if analysis is None or clip.group == "noise":
                continue
            if "pitch" in clip.truth:
                stretches, _ = losses.pitch_losses(scorer, analysis, clip.truth)
                lines += ["", f"== {clip.name}, {mode}: pitch", *losses.pitch_text(stretches, shortest=2)]
            if "notes" in clip.truth:
                lines += ["", f"== {clip.name}, {mode}: onsets", *losses.onset_text(analysis, clip.truth)]
            for number, other in enumerate(clip.others, start=2):
                title = f"== {clip.name}, {mode}: onsets against annotator {number}"
                lines += ["", title, *losses.onset_text(analysis, other)]
    (given.out / "losses.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(given, clips):
    """A picture of every real voice as it is heard live; in the studio where the take is too short for that."""
    folder = given.out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    truths = {clip.name: clip.truth for clip in clips}
    for name, path in known.voices(given.shared).items():
        clip = known.Clip(name, "pictures", path, truths.get(name, {}))
        for mode in tools.MODES:
            analysis, problem = tools.analyse(given.collavoce, clip, mode, tools.DEFAULT, given.out / "ours")
            if analysis is not None:
                break
            print(f"{name}, {mode}: {problem}")
        else:
            continue
        bpm, key = analysis["tempo"]["bpm"], analysis["key"]["label"]
        pictures.draw(path, analysis, clip.truth, folder / f"{name}.png", f"{name}, {mode}: {key}, {bpm:.0f} bpm")


if __name__ == "__main__":
    main()
