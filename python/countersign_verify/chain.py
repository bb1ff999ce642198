"""The audit chain: each link hashes its leaf, a rolling root and the link before, all in text S."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .canonical import sorted_hash
from .report import matches

CHAIN_VERSION = "decision_chain_v1"
STRATEGY = "rolling_sha256_pair_v1"
LINK = (
    "decision_chain_version chain_id chain_position previous_link_hash previous_merkle_root"
    " leaf_hash merkle_root merkle_strategy entry_type decision_id record_hash receipt_hash"
    " policy_id policy_version created_at"
).split()
LEAF = "decision_chain_version entry_type decision_id record_hash receipt_hash".split()

Link = Dict[str, Any]


def leaf_hash(link: Link) -> Optional[str]:
    return sorted_hash({name: link.get(name) for name in LEAF})


def merkle_root(link: Link) -> Optional[str]:
    """The leaf at position 1, afterwards the hash of the root before and the leaf."""
    if link.get("chain_position") == 1:
        return leaf_hash(link)
    names = ("previous_merkle_root", "chain_position")
    rolled = {name: link.get(name) for name in names}
    return sorted_hash({**rolled, "strategy": STRATEGY, "leaf_hash": leaf_hash(link)})


def link_hash(link: Link) -> Optional[str]:
    """The hash of all other members, null for those that are missing."""
    return sorted_hash({name: link.get(name) for name in LINK})


def holds(link: Link) -> bool:
    """Whether version, leaf, root and hash of a link are what its other members give."""
    position = link.get("chain_position")
    is_first = position == 1
    before = [link.get("previous_link_hash"), link.get("previous_merkle_root")]
    return (
        link.get("decision_chain_version") == CHAIN_VERSION
        and link.get("merkle_strategy") == STRATEGY
        and isinstance(position, int)
        and position >= 1
        and all((value is None) == is_first for value in before)
        and matches(link.get("leaf_hash"), leaf_hash(link))
        and matches(link.get("merkle_root"), merkle_root(link))
        and matches(link.get("link_hash"), link_hash(link))
    )


def is_unbroken(links: List[Link]) -> bool:
    """Whether links that each hold follow each other in one chain, oldest first."""
    return all(map(holds, links)) and all(
        after.get("chain_position") == before["chain_position"] + 1
        and after.get("chain_id") == before.get("chain_id")
        and after.get("previous_link_hash") == before["link_hash"]
        and after.get("previous_merkle_root") == before["merkle_root"]
        for before, after in zip(links, links[1:])
    )


def ends_at(links: List[Link], chain: Dict[str, Any]) -> bool:
    """Whether the last link is the head that the chain names."""
    if not links:
        return False
    head = links[-1]
    return (
        head.get("link_hash") == chain.get("head_link_hash")
        and head.get("merkle_root") == chain.get("merkle_root")
        and head.get("chain_position") == chain.get("chain_size")
        and head.get("chain_id") == chain.get("chain_id")
    )
