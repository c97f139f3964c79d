# Four depths of the SimCLR network trained on the same images, each with unit channel norm.
perceptual_network = 'work_dirs/cifar10/perceptual_network.pth'
perceptual_loss = dict(
    type='peco.PerceptualLoss',
    weight=1.0,
    normalize_channels=True,
    network=dict(type='peco.PerceptualNetwork', checkpoint=perceptual_network))
made_by = {
    perceptual_network:
    'python tools/run_pipeline.py configs/cifar10/pipeline.py --until perceptual-network'
}
