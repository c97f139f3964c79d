# Nuclei alone of dense.py, whose folder it may share:
# python tools/reproduce_claim.py --study configs/claim/dense-nuclei.py --study-dir DIR --jobs 2
_base_ = 'dense.py'

title = 'A perceptual codebook beside a pixel codebook: nuclei (128 px)'
report = 'nuclei'
shared = [stage for stage in _base_.shared if stage.name.startswith('nuclei/')]
stages = [stage for stage in _base_.stages if stage.name.startswith('nuclei-')]
measures = [measure for measure in _base_.measures if measure.stage.startswith('nuclei-')]
smoke = dict(
    _delete_=True,
    **{name: options for name, options in _base_.smoke.items() if name.startswith('nuclei')})
