# CamVid alone of dense.py, whose folder it may share:
# python tools/reproduce_claim.py --study configs/claim/dense-camvid.py --study-dir DIR --jobs 2
_base_ = 'dense.py'

title = 'A perceptual codebook beside a pixel codebook: CamVid (256 px)'
report = 'camvid'
shared = [stage for stage in _base_.shared if stage.name.startswith('camvid/')]
stages = [stage for stage in _base_.stages if stage.name.startswith('camvid-')]
measures = [measure for measure in _base_.measures if measure.stage.startswith('camvid-')]
smoke = dict(
    _delete_=True,
    **{name: options for name, options in _base_.smoke.items() if name.startswith('camvid')})
