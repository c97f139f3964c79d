# Four depths of a MoCo v3 ViT-B trained on the same images, with channels of norm 1, so that none
# outweighs the others; that and the weight 1 are assumed.
perceptual_network = 'work_dirs/perceptual_mocov3-vit-base_in1k.pth'
perceptual_loss = dict(
    type='peco.PerceptualLoss',
    weight=1.0,
    normalize_channels=True,
    network=dict(type='peco.PerceptualNetwork', checkpoint=perceptual_network))
made_by = {
    perceptual_network:
    'tools/dist_train.sh '
    'configs/peco/perceptual_mocov3-vit-base-p16_16xb256-amp-coslr-300e_in1k.py 8, then '
    'python tools/export_perceptual.py '
    'configs/peco/perceptual_mocov3-vit-base-p16_16xb256-amp-coslr-300e_in1k.py '
    'work_dirs/perceptual_mocov3-vit-base-p16_16xb256-amp-coslr-300e_in1k/epoch_300.pth '
    f'{perceptual_network} --out-indices 2 5 8 11'
}
