# 224 px -> 14x14 tokens; K = 8192 is the paper's, the code dimension and the depth are assumed.
tokenizer = dict(
    type='peco.PerceptualTokenizer',
    encoder=dict(
        type='peco.ConvEncoder',
        base_channels=128,
        channel_mult=(1, 1, 2, 2, 4),
        num_res_blocks=2,
        attn_levels=(-1, ),
        out_channels=256),
    quantizer=dict(type='peco.EMAQuantizer', codebook_size=8192, code_dim=256, decay=0.99),
    decoder=dict(
        type='peco.ConvDecoder',
        base_channels=128,
        channel_mult=(1, 1, 2, 2, 4),
        num_res_blocks=2,
        attn_levels=(-1, ),
        in_channels=256))
