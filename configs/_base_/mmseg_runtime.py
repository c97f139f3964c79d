# What segmentors on our backbone add to mmseg's runtime.
_base_ = 'mmseg::_base_/default_runtime.py'

custom_imports = dict(imports=['peco'], allow_failed_imports=False)
custom_hooks = [dict(type='peco.BareBackboneHook'), dict(type='peco.Float32IslandsHook')]
randomness = dict(seed=0, diff_rank_seed=True)
