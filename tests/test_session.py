"""Session and address: an address that the browser still showed is no link that was opened."""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from dashboard import session
    from dashboard.controls import setting

    session.start()
    setting("gain")
    st.number_input("Seed", key="seed", on_change=session.moved, args=("seed", "seed"))
    if st.button("Clock", key="clock"):
        session.change(seed=3)
        session.redraw()


def opened(**settings):
    app = AppTest.from_function(page, default_timeout=30)
    for name, value in settings.items():
        app.query_params[name] = str(value)
    return app.run()


def show(app, address):
    """Have the browser bring this address with what it sends next."""
    for name in list(app.query_params):
        del app.query_params[name]
    for name, value in address.items():
        app.query_params[name] = value
    return app


def config(app):
    assert not app.exception
    return app.session_state["state"].config


def test_of_two_quick_moves_the_second_keeps_the_first_though_it_brings_the_older_address():
    app = opened(steps=30)
    app.select_slider(key="set-gain").set_value(2.0).run()
    show(app, {"steps": "30"}).number_input(key="seed").set_value(7).run()
    assert (config(app).gain, config(app).seed, config(app).steps) == (2.0, 7, 30)


def test_what_the_clock_has_drawn_outlives_the_click_that_comes_behind_it():
    app = opened(steps=30)
    app.button(key="clock").click().run()
    newer = dict(app.session_state["address"])
    assert newer["seed"] == "3"
    assert config(show(app, {"steps": "30"}).run()).seed == 3
    assert config(show(app, newer).run()).seed == 3
    assert config(show(app, {"steps": "30"}).run()).seed == 0


def test_an_address_of_before_is_opened_where_nothing_was_changed_since():
    app = opened(steps=30, seed=1)
    assert config(show(app, {"steps": "20"}).run()).steps == 20
    assert config(show(app, {"steps": "30"}).run()).steps == 30


def drawn_twice():
    import streamlit as st

    from dashboard import session
    from dashboard.controls import setting

    session.start()
    session.change(gain=2.0)
    setting("gain")
    if st.session_state.get("twice"):
        st.session_state.twice = False
        session.redraw()


def test_a_page_that_is_drawn_twice_in_a_row_tells_its_values_again():
    app = AppTest.from_function(drawn_twice, default_timeout=30).run()
    app.run()
    assert not app.select_slider(key="set-gain").proto.set_value
    app.session_state["twice"] = True
    app.run()
    assert app.select_slider(key="set-gain").proto.set_value
    app.run()
    assert not app.select_slider(key="set-gain").proto.set_value
