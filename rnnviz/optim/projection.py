"""The orthogonal matrices nearest to the recurrent weights."""

import numpy as np

from rnnviz.arrays import Array, Float, Params


def nearest_orthogonal(W: Float[Array, "R C"]) -> Float[Array, "R C"]:
    """The orthogonal matrix nearest to W in Frobenius norm, for each square block of rows.

    The orthogonal factor U V^T of the polar decomposition, from the SVD W = U S V^T: Higham
    (1986), Computing the polar decomposition, with applications, SIAM Journal on Scientific and
    Statistical Computing 7(4). Each gate's H rows are a block. What does not divide into squares,
    or is not finite, comes back as it is.

    Parameters
    ----------
    W : (G*H, H)

    Examples
    --------
    >>> nearest_orthogonal(np.array([[3.0, 0.0], [0.0, -0.1]])).tolist()
    [[1.0, 0.0], [0.0, -1.0]]
    """
    rows, H = W.shape
    if rows % H or not np.isfinite(W).all():
        return W
    U, _, V_T = np.linalg.svd(W.reshape(-1, H, H))
    return np.ascontiguousarray((U @ V_T).reshape(rows, H))


def reprojected(params: Params) -> Params:
    """All parameters under their full names, every layer's W_hh the nearest orthogonal.

    Examples
    --------
    >>> params = {"l0.W_hh": np.array([[0.2]]), "readout.b_y": np.array([0.3])}
    >>> {name: W.tolist() for name, W in reprojected(params).items()}
    {'l0.W_hh': [[1.0]], 'readout.b_y': [0.3]}
    """
    return {
        name: nearest_orthogonal(W) if name.endswith(".W_hh") else W for name, W in params.items()
    }
