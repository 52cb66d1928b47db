from repositories import objects, render


def test_it(bake, chart):
    assert objects(render(bake(), "prod"))
