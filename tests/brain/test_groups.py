"""Near-duplicates stay on one side of a split."""

from hypothesis import given, settings
from hypothesis import strategies as st

from brain.groups import _shingles, folds, groups

TEXTS = ["我要解绑尾号1234的卡", "我要解绑尾号5678的卡", "今天天气怎么样", "please unbind my card", "please unbind my card now", "where is my parcel"]


def test_alike_share_a_group():
    group = groups(TEXTS)
    assert group[0] == group[1] and group[3] == group[4]
    assert len({group[0], group[2], group[3], group[5]}) == 4


def test_no_group_is_split():
    fold = folds(groups(TEXTS), 3)
    assert fold[0] == fold[1] and fold[3] == fold[4]
    assert (folds(groups(TEXTS), 3) == fold).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="解绑卡我要的ab 12", max_size=12), min_size=2, max_size=30), st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_the_quick_way_finds_what_comparing_all_finds(texts, likeness):
    shingles = [_shingles(text) for text in texts]
    group = list(range(len(texts)))
    for i, a in enumerate(shingles):
        for j, b in enumerate(shingles[:i]):
            if a and b and len(a & b) >= likeness * len(a | b):
                group = [group[j] if g == group[i] else g for g in group]
    found = groups(texts, likeness)
    assert [[a == b for b in group] for a in group] == [[a == b for b in found] for a in found]
