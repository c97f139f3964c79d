import json

import pytest
from matplotlib.axes import Axes
from PIL import Image

from peco.visualization import curves, plot_curves, read_scalars


def write(work_dir, run, records):
    folder = work_dir / run / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))
    return folder / 'scalars.json'


def test_resumed_runs_are_one_curve(tmp_path):
    write(tmp_path, '1', [dict(lr=1., loss=3., step=1), dict(lr=1., loss=2., step=2)])
    write(tmp_path, '2', [dict(lr=1., loss=1., step=2), dict(lr=1., loss=0., step=3)])
    assert read_scalars(tmp_path)['loss'] == [(1, 3.), (2, 1.), (3, 0.)]


def test_validation_is_kept_apart_where_the_names_agree(tmp_path):
    write(tmp_path, '1', [dict(lr=1., psnr=3., step=20, time=1), dict(psnr=9., top1=50., step=1)])
    assert read_scalars(tmp_path) == {
        'lr': [(20, 1.)], 'psnr': [(20, 3.)], 'val/psnr': [(1, 9.)], 'top1': [(1, 50.)]}


def test_a_line_cut_by_a_kill_is_left_out(tmp_path):
    file = write(tmp_path, '1', [dict(lr=1., loss=3., step=1)])
    file.write_text(file.read_text() + '\n{"lr": 1., "lo')
    assert read_scalars(file)['loss'] == [(1, 3.)]


def test_nothing_logged(tmp_path):
    with pytest.raises(FileNotFoundError, match='vis_data/scalars.json'):
        read_scalars(tmp_path)


def test_a_run_keeps_its_colour(tmp_path, monkeypatch):
    colours = {}

    def plot(axis, *args, label, **kwargs):
        line, = plain_plot(axis, *args, label=label, **kwargs)
        colours.setdefault(label, set()).add(line.get_color())
        return [line]

    plain_plot = Axes.plot
    monkeypatch.setattr(Axes, 'plot', plot)
    points = [(1, 2.), (2, 1.)]
    plot_curves(dict(a=dict(loss=points), b=dict(loss=points, top1=points)), tmp_path / 'c.png')
    assert [len(found) for found in colours.values()] == [1, 1]
    assert colours['a'] != colours['b']


def test_many_runs_have_lines_of_their_own_and_a_panel_as_high_as_that_of_few(
        tmp_path, monkeypatch):
    drawn = {}

    def save(figure, out):
        figure.canvas.draw()
        axis = figure.axes[0]
        drawn[out] = ({(line.get_color(), line.get_linestyle()) for line in axis.lines},
                      axis.get_window_extent().height)

    monkeypatch.setattr(curves, 'save_figure', save)
    for number in (2, 45):
        plot_curves({f'stage-number-{i}': dict(loss=[(1, 2.), (2, 1.)]) for i in range(number)},
                    number)
    assert [len(lines) for lines, _ in drawn.values()] == [2, 45]
    assert drawn[45][1] > 0.9 * drawn[2][1]


def test_plot(tmp_path):
    runs = dict(a={'loss': [(1, 2.), (2, 1.)], 'top1': [(1, 50.)]}, b={'loss': [(1, 3.)]})
    wide, narrow = plot_curves(runs, tmp_path / 'a/all.png'), plot_curves(
        runs, tmp_path / 'one.png', ['loss'])
    assert Image.open(wide).width > 1.5 * Image.open(narrow).width
    with pytest.raises(ValueError, match=r"'lost'.*there are: loss, top1"):
        plot_curves(runs, tmp_path / 'no.png', ['lost'])
