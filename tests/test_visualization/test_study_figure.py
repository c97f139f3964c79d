import pytest
from matplotlib import colors

from peco.utils.seed_statistics import estimate
from peco.visualization import plot_study, plot_study_curves, study_figure

ARMS = ['scratch', 'pixel', 'peco', 'vq-kd']


@pytest.fixture
def figures(monkeypatch):
    drawn = []
    monkeypatch.setattr(study_figure, 'save_figure', lambda figure, out: drawn.append(figure))
    return drawn


def _markers(axis):
    return {(line.get_xdata()[0], line.get_ydata()[0]): colors.to_hex(line.get_color())
            for line in axis.lines if line.get_marker() in 'os^vPXD<>'}


def _intervals(axis):
    """Middle, and half of the length, of each interval."""
    out = []
    for mean, _, (bar, ) in axis.containers:
        (low, _), (high, _) = bar.get_segments()[0]
        out.append((mean.get_xdata()[0], (high - low) / 2))
    return out


def test_seeds_their_differences_and_intervals_from_three_seeds_on(figures):
    values = {'pixel': {0: 40., 1: 41.}, 'peco': {0: 42., 1: 44., 2: 43.}}
    plot_study({'top-1': values, 'PSNR': {'peco': {0: 20.}}}, ARMS, 'out.png', ['pixel'],
               {'top-1': {'pixel': {'peco': '+2.5'}}})
    left, right, other, hidden = figures[0].axes
    assert set(_markers(left)) == {(40, 0), (41, 0), (42, 1), (44, 1), (43, 1)}
    assert set(_markers(right)) == {(2, 1), (3, 1)}
    found = estimate([42., 44., 43.])
    assert _intervals(left) == [pytest.approx((43., found.half_width))]
    assert _intervals(right) == []  # of two seeds
    assert [label.get_text() for label in right.get_yticklabels()] == ['', '+2.5']
    assert set(_markers(other)) == {(20, 0)}
    assert right.get_visible() and not hidden.get_visible()  # nothing to compare with


def test_a_legend_tells_seeds_apart_and_what_a_line_is_where_there_are_lines(figures):
    three = {'peco': {0: 42., 1: 44., 4: 43.}}
    plot_study({'top-1': {'pixel': {1: 3.}}, 'PSNR': three}, ARMS, 'out.png', ['pixel'], {})
    plot_study({'top-1': {'pixel': {1: 3.}}}, ARMS, 'out.png', ['pixel'], {})
    many, one = (figure.legends[0] for figure in figures)
    assert [text.get_text() for text in many.get_texts()] == ['seed 0', 'seed 1', 'seed 4']
    markers = [handle.get_marker() for handle in many.legend_handles]
    axis = figures[0].axes[2]
    drawn = {line.get_xdata()[0]: line.get_marker() for line in axis.lines
             if line.get_marker() != '|'}
    assert markers[0] == drawn[42.] and markers[2] == drawn[43.] and len(set(markers)) == 3
    assert '95 % interval' in many.get_title().get_text()
    assert [text.get_text() for text in one.get_texts()] == ['seed 1']
    assert one.get_title().get_text() in ('', 'None')


def test_a_second_reference_has_a_panel_of_its_own(figures):
    values = {'pixel': {0: 40.}, 'peco': {0: 42.}, 'vq-kd': {0: 47.}}
    plot_study({'top-1': values}, ARMS, 'out.png', ['pixel', 'peco'],
               {'top-1': {'pixel': {'peco': '+2', 'vq-kd': '+7'}, 'peco': {'vq-kd': '+5'}}})
    _, first, second = figures[0].axes
    assert [axis.get_title() for axis in (first, second)] == ['minus pixel', 'minus peco']
    assert set(_markers(first)) == {(2, 1), (7, 2)}
    assert set(_markers(second)) == {(5, 2)}  # pixel is not named there
    assert [label.get_text() for label in second.get_yticklabels()] == ['', '', '+5']


def test_an_arm_keeps_its_colour_in_every_study(figures):
    for panels in ({'a': {'vq-kd': {0: 1.}}}, {'a': dict.fromkeys(ARMS, {0: 1.})}):
        plot_study(panels, ARMS, 'out.png', ['pixel'], {})
    plot_study_curves({'kNN': {'vq-kd': {10: {0: 1.}}}}, ARMS, 'out.png')
    alone, all_arms, curve = figures
    colour = _markers(alone.axes[0])[1., 0]
    assert _markers(all_arms.axes[0])[1., 3] == colour
    assert len(set(_markers(all_arms.axes[0]).values())) == 4
    assert colors.to_hex(curve.axes[0].lines[0].get_color()) == colour
    many = [str(number) for number in range(28)]
    plot_study({'a': {arm: {0: 1.} for arm in many}}, many, 'out.png', ['0'], {})
    assert len(set(_markers(figures[-1].axes[0]).values())) == 28


def test_curves_have_a_line_a_seed_and_the_mean(figures):
    plot_study_curves({'kNN': {'peco': {10: {0: 1., 1: 3.}, 20: {0: 2.}}}}, ARMS, 'out.png')
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in figures[0].axes[0].lines]
    assert lines == [([10, 20], [1., 2.]), ([10], [3.]), ([10, 20], [2., 2.])]
