"""Codebook learned by an exponential moving average."""

from __future__ import annotations

import math
from numbers import Integral

import torch
from mmengine import dist

from peco.registry import MODELS

from .base_quantizer import BaseQuantizer
from .collectives import gather_rows, shared_permutation
from .kmeans import distinct_rows, kmeans
from .nearest_code import nearest_code

INIT_KINDS = ('kmeans', 'data', 'random')


@MODELS.register_module()
class EMAQuantizer(BaseQuantizer):
    """Nearest code at Euclidean distance; codes follow the mean of their vectors.

    The update is that of VQ-VAE (van den Oord et al. 2017, appendix A.1) with Laplace smoothing:
    ``n_k <- d n_k + (1 - d) count_k``, ``s_k <- d s_k + (1 - d) sum_k``,
    ``e_k = s_k / smoothed(n_k)``, where count and sum run over the vectors of all ranks.
    Initialisation, update and restart leave the same codebook on every rank.

    The averages move in every forward pass in training mode. With ``accumulative_counts=n`` these
    are n for each update of the weights: ``decay**(1 / n)`` and n times ``restart_interval`` come
    close to n times as many images a step.

    Args:
        codebook_size: Number of codes K; 8192 in PeCo.
        code_dim: Number of channels C of a code.
        decay: Decay d of the averages.
        eps: Laplace smoothing of the counts.
        init: ``'kmeans'`` and ``'data'`` start from vectors of the encoder, gathered over as many
            batches as needed; ``'random'`` from a uniform draw in ``[-1/K, 1/K]``.
        init_vectors: Vectors to gather over all ranks before initialising; default 4 K for
            k-means, K for data. At least K.
        kmeans_iters: Iterations of k-means.
        restart_threshold: A code is dead when its averaged count falls below this fraction of
            the mean count of a code (so the value holds for any batch size); dead codes move to
            random vectors of the batch, with the count of a mean code, so that they live for
            ``log(restart_threshold) / log(decay)`` steps at least. 0: never restart.
        restart_interval: Steps between two looks for dead codes.
        chunk_size: Vectors compared at a time.
        code_chunk_size: Codes compared at a time.
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> from peco.models.quantizers import EMAQuantizer
        >>> quantizer = EMAQuantizer(codebook_size=16, code_dim=4, init='data')
        >>> out = quantizer(torch.randn(2, 4, 8, 8))
        >>> out.quantized.shape, out.ids.shape
        (torch.Size([2, 4, 8, 8]), torch.Size([2, 8, 8]))
    """

    def __init__(self,
                 codebook_size: int,
                 code_dim: int,
                 decay: float = 0.99,
                 eps: float = 1e-5,
                 init: str = 'kmeans',
                 init_vectors: int | None = None,
                 kmeans_iters: int = 10,
                 restart_threshold: float = 0.05,
                 restart_interval: int = 50,
                 chunk_size: int = 2048,
                 code_chunk_size: int = 8192,
                 init_cfg: dict | None = None) -> None:
        super().__init__(codebook_size, code_dim, init_cfg)
        if init not in INIT_KINDS:
            raise ValueError(f'init must be one of {INIT_KINDS}, got {init!r}.')
        if init_vectors is None:
            init_vectors = codebook_size * (4 if init == 'kmeans' else 1)
        if init_vectors < codebook_size:
            raise ValueError(f'init_vectors={init_vectors} is less than codebook_size='
                             f'{codebook_size}: each code needs a vector of its own.')
        if not 0 <= decay < 1:
            raise ValueError(f'decay must lie in [0, 1), got {decay}.')
        if not 0 <= restart_threshold < 1:
            raise ValueError(f'restart_threshold is a fraction of the mean count of a code and '
                             f'must lie in [0, 1), got {restart_threshold}.')
        for name, value in dict(restart_interval=restart_interval, chunk_size=chunk_size,
                                code_chunk_size=code_chunk_size).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}.')
        if not isinstance(kmeans_iters, Integral) or kmeans_iters < 0:
            raise ValueError(f'kmeans_iters must be a whole number of at least 0, got '
                             f'{kmeans_iters!r}.')
        if not eps > 0:
            raise ValueError(f'eps must be positive, got {eps}.')
        self.decay = decay
        self.eps = eps
        self.init = init
        self.init_vectors = init_vectors
        self.kmeans_iters = kmeans_iters
        self.restart_threshold = restart_threshold
        self.restart_interval = restart_interval
        self.chunk_size = chunk_size
        self.code_chunk_size = code_chunk_size

        self.register_buffer('embedding', torch.zeros(codebook_size, code_dim))
        self.register_buffer('embed_sum', torch.zeros(codebook_size, code_dim))
        self.register_buffer('cluster_size', torch.ones(codebook_size))
        self.register_buffer('num_updates', torch.zeros((), dtype=torch.long))
        self.register_buffer('initted', torch.tensor(False))
        # Mirrors of two buffers, so that a step does not wait for the GPU to read them.
        self._initialised = False
        self._num_updates = 0
        self._same_on_all_ranks = False
        self._pending: list[torch.Tensor] = []
        self._num_seen = 0
        if init == 'random':
            self.set_codebook(torch.empty(codebook_size, code_dim).uniform_(
                -1 / codebook_size, 1 / codebook_size))

    @property
    def codes(self) -> torch.Tensor:
        """The codebook ``(K, C)``."""
        return self.embedding

    @property
    def initialised(self) -> bool:
        """Whether the codebook holds codes (buffer ``initted``)."""
        if not self._initialised:
            self._initialised = bool(self.initted)
        return self._initialised

    @torch.no_grad()
    def set_codebook(self, codes: torch.Tensor, cluster_size: torch.Tensor | None = None) -> None:
        """Start from given codes, on this rank.

        Args:
            codes: ``(K, C)``.
            cluster_size: First averaged counts ``(K,)``; default 1 each.

        Raises:
            ValueError: If the shape is not that of the codebook.
        """
        if codes.shape != self.embedding.shape:
            raise ValueError(f'The codes have the shape {tuple(codes.shape)}, the codebook has '
                             f'{tuple(self.embedding.shape)}.')
        self.embedding.copy_(self._prepare(codes.to(self.embedding)))
        self.cluster_size.copy_(torch.ones(1) if cluster_size is None else cluster_size)
        self.embed_sum.copy_(self.embedding * self.cluster_size[:, None])
        self.initted.fill_(True)
        self._initialised = True
        self._pending = []

    def check_supply(self, steps: int) -> None:
        """Foresee after the first step that an epoch gives fewer vectors than codes.

        A collective call: every rank must make it.

        Args:
            steps: Steps of the epoch.

        Raises:
            ValueError: With both counts.
        """
        if self.initialised:
            return
        seen = self._sum_over_ranks(self._num_seen)
        if seen * steps < self.codebook_size:
            raise ValueError(
                f'The codebook of {self.codebook_size} codes cannot be initialised: an epoch gives '
                f'{seen * steps} vectors ({steps} steps of {seen}), and each code needs one of its '
                f'own. Set codebook_size to at most {seen * steps}, or give more (or larger) '
                'images.')

    @torch.no_grad()
    def check_initialised(self) -> None:
        """Finish the initialisation with the vectors at hand; meant for the end of an epoch.

        A collective call: every rank must make it.

        Raises:
            ValueError: If fewer distinct vectors than codes were seen.
        """
        if self.initialised or self._initialise():
            return
        seen = self._sum_over_ranks(self._num_seen)
        raise ValueError(
            f'The codebook of {self.codebook_size} codes cannot be initialised: {seen} vectors '
            f'were seen so far, of which {len(self._distinct_pending())} are distinct, and each '
            f'code needs a distinct one. Set codebook_size to at most that many, or give more '
            f'(or larger) images per epoch.')

    def _nearest(self, rows: torch.Tensor) -> torch.Tensor:
        return self._search(rows, self.embedding.to(rows.dtype))[0]

    def _search(self, rows: torch.Tensor,
                codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return nearest_code(rows, codes, self.chunk_size, self.code_chunk_size)

    # Initialisation

    @torch.no_grad()
    def _before_step(self, rows: torch.Tensor) -> None:
        if not self._same_on_all_ranks:
            self._copy_from_first_rank()
        if self.initialised:
            return
        self._pending.append(rows.clone())
        self._num_seen += len(rows)
        if self._sum_over_ranks(sum(map(len, self._pending))) >= self.init_vectors:
            self._initialise()

    def _copy_from_first_rank(self) -> None:
        for buffer in (self.embedding, self.embed_sum, self.cluster_size, self.num_updates):
            dist.broadcast(buffer)
        flag = self.initted.to(torch.uint8)
        dist.broadcast(flag)
        self.initted.copy_(flag)
        self._initialised = False  # read the buffer again
        self._num_updates = int(self.num_updates)
        self._same_on_all_ranks = True

    def _initialise(self) -> bool:
        """Initialise from the gathered vectors; False if too few of them are distinct."""
        vectors = self._joined_pending()
        codes = distinct_rows(vectors, self.codebook_size)
        if codes is None:
            # Copies are of no use; dropping them bounds what a uniform data set piles up.
            self._pending = [vectors.unique(dim=0)]
            return False
        counts = None
        if self.init == 'kmeans':
            codes, counts = kmeans(vectors, codes, self.kmeans_iters, self._search, self._prepare)
            counts = counts.clamp(min=1).to(self.cluster_size)
        self.set_codebook(codes, counts)
        return True

    def _joined_pending(self) -> torch.Tensor:
        return torch.cat(self._pending) if self._pending else self.embedding[:0]

    def _distinct_pending(self) -> torch.Tensor:
        return gather_rows(self._joined_pending()).unique(dim=0)

    def _sum_over_ranks(self, number: int) -> int:
        total = torch.tensor(number, device=self.embedding.device)
        dist.all_reduce(total)
        return int(total)

    # Learning

    @torch.no_grad()
    def _after_step(self, rows: torch.Tensor, ids: torch.Tensor,
                    counts: torch.Tensor) -> torch.Tensor:
        # The last column counts, so that one collective carries sums and counts.
        sums = rows.new_zeros(self.codebook_size, self.code_dim + 1)
        sums[:, :-1].index_add_(0, ids, rows)
        sums[:, -1] = counts
        dist.all_reduce(sums)
        counts = sums[:, -1]
        self.cluster_size.lerp_(counts.to(self.cluster_size), 1 - self.decay)
        self.embed_sum.lerp_(sums[:, :-1].to(self.embed_sum), 1 - self.decay)
        total = self.cluster_size.sum()
        smoothed = (self.cluster_size + self.eps) / (total + self.codebook_size * self.eps) * total
        self.embedding.copy_(self._prepare(self.embed_sum / smoothed[:, None]))
        self.num_updates += 1
        self._num_updates += 1
        if self.restart_threshold > 0 and self._num_updates % self.restart_interval == 0:
            self._restart_dead_codes(rows)
        return counts

    def _restart_dead_codes(self, rows: torch.Tensor) -> None:
        mean_count = self.cluster_size.mean()
        slots = (self.cluster_size < self.restart_threshold * mean_count).nonzero()[:, 0]
        if len(slots) == 0:
            return
        share = math.ceil(len(slots) / dist.get_world_size())
        chosen = torch.randperm(len(rows), device=rows.device)[:share]
        pool = gather_rows(rows[chosen])
        pool = pool[shared_permutation(len(pool), pool.device)].to(self.embedding)
        # A batch with fewer vectors than dead codes leaves the rest for the next time.
        pool, slots = pool[:len(slots)], slots[:len(pool)]
        self.embedding[slots] = pool
        self.cluster_size[slots] = mean_count
        self.embed_sum[slots] = pool * mean_count

    # Loading

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        found = state_dict.get(f'{prefix}embedding')
        if found is not None and found.shape != self.embedding.shape:
            raise ValueError(
                f'The checkpoint holds a codebook of {tuple(found.shape)} (codes, channels) at '
                f'{prefix}embedding, but the config asks for {tuple(self.embedding.shape)}: set '
                f'codebook_size={found.shape[0]} and code_dim={found.shape[-1]}, or load another '
                f'checkpoint.')
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._initialised = False
        self._num_updates = int(self.num_updates)
        self._same_on_all_ranks = False
        self._pending = []
        self._num_seen = 0
