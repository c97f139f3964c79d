# The encoder of MAE in the size of peco_vit-micro-p4.py: sine positions, no bias table.
mae_backbone = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
    img_size=32,
    patch_size=4,
    out_type='avg_featmap')
mae_weights = 'work_dirs/claim/pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k/epoch_30.pth'
mae_made_by = {
    mae_weights:
    'python tools/train.py configs/claim/pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k.py'
    ' --work-dir work_dirs/claim/pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k'
}
