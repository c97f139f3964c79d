# The claim on CIFAR-10, about twelve hours of two CPU cores:
# python tools/reproduce_claim.py --study configs/claim/core.py --study-dir DIR --jobs 2
_base_ = 'extended.py'

title = 'A perceptual codebook beside a pixel codebook and VQ-KD (CIFAR-10, 32 px)'
arms = ['scratch', 'pixel', 'pixel-x50', 'peco', 'vq-kd']
seeds = 3
report = 'results'
stages = [stage for stage in _base_.stages if '50k' not in stage.name]
measures = [measure for measure in _base_.measures if '50k' not in measure.stage]
smoke = dict(
    _delete_=True,
    **{name: options for name, options in _base_.smoke.items() if '50k' not in name})
