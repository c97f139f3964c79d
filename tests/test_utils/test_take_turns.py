from peco.utils.take_turns import ratio, take_turns


def test_candidates_take_turns():
    calls = []
    times = take_turns({name: lambda name=name: calls.append(name) for name in 'ab'}, rounds=3,
                       warmup=2)
    assert calls == list('ab') * 5
    assert {name: len(seconds) for name, seconds in times.items()} == dict(a=3, b=3)
    assert all(second >= 0 for seconds in times.values() for second in seconds)


def test_ratios_are_of_pairs():
    # One slow pair moves neither the others nor the median.
    assert ratio([2., 20., 2.2], [1., 10., 1.]) == 2.
