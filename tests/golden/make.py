"""Makes the files of this folder, with Keras and Flax themselves, in float64.

They were made with Keras 3.15.1 (its PyTorch backend) and Flax 0.12.8; neither is needed to test
with them. Every weight is drawn, none is zero, and every size differs.
"""

import os
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
T, B, I, O = 7, 3, 2, 4
rng = np.random.default_rng(0)


def drawn(W):
    return 0.5 * rng.normal(size=W.shape)


def keras_files():
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from keras import layers
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # or Keras multiplies in float32
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    model = keras.Sequential(
        [
            keras.Input((T, I)),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(5, return_sequences=True, name="named"),
            layers.GRU(5, return_sequences=True, reset_after=False),
            layers.SimpleRNN(6, activation="relu", return_sequences=True),
            layers.Dense(O),
        ]
    )
    model.set_weights([drawn(W) for W in model.get_weights()])
    x = rng.normal(size=(T, B, I))
    y = np.asarray(model(x.transpose(1, 0, 2)).detach()).transpose(1, 0, 2)
    for ending in ("keras", "h5"):
        model.save(HERE / f"stack.{ending}")
    np.savez(HERE / "stack.npz", **{W.path: np.asarray(W.value.detach()) for W in model.weights})
    np.savez(HERE / "stack_outputs.npz", x=x, y=y)


def flax_file():
    import jax

    jax.config.update("jax_enable_x64", True)
    kept = {}
    linen(kept)
    nnx(kept)
    np.savez(HERE / "flax.npz", **kept)


def linen(kept):
    import jax
    from flax import linen
    from flax.traverse_util import flatten_dict

    def rnn(cell, size=5):
        return linen.RNN(cell(size, dtype=np.float64, param_dtype=np.float64))

    class Stack(linen.Module):
        """Two layers of different cells, and a readout."""

        @linen.compact
        def __call__(self, x):
            x = rnn(linen.GRUCell)(rnn(linen.LSTMCell, 3)(x))
            return linen.Dense(O, dtype=np.float64, param_dtype=np.float64)(x)

    models = {
        "simple": rnn(linen.SimpleCell),
        "lstm": rnn(linen.LSTMCell),
        "optimized": rnn(linen.OptimizedLSTMCell),
        "gru": rnn(linen.GRUCell),
        "both": linen.Bidirectional(rnn(linen.GRUCell), rnn(linen.GRUCell)),
        "stack": Stack(),
    }
    for name, model in models.items():
        x = rng.normal(size=(B, T, I))
        params = jax.tree.map(drawn, model.init(jax.random.key(0), x))
        keep(kept, name, flatten_dict(params["params"], sep="/"), x, model.apply(params, x))


def nnx(kept):
    import jax
    from flax import nnx
    from flax.traverse_util import flatten_dict

    for name in ("SimpleCell", "LSTMCell", "OptimizedLSTMCell", "GRUCell"):
        x, rngs = rng.normal(size=(B, T, I)), nnx.Rngs(0)
        cell = getattr(nnx, name)(I, 5, dtype=np.float64, param_dtype=np.float64, rngs=rngs)
        model = nnx.RNN(cell, rngs=rngs)
        state = jax.tree.map(drawn, nnx.state(model, nnx.Param))
        nnx.update(model, state)
        keep(kept, f"nnx {name}", flatten_dict(nnx.to_pure_dict(state), sep="."), x, model(x))


def keep(kept, case, params, x, y):
    kept |= {f"{case}:{name}": np.asarray(W) for name, W in params.items()}
    kept |= {f"{case}:x": x.transpose(1, 0, 2), f"{case}:y": np.asarray(y).transpose(1, 0, 2)}


if __name__ == "__main__":
    keras_files()
    flax_file()
