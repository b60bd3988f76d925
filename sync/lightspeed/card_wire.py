"""What hangs on an item beside its stock, and categories, as models; see `sync.lightspeed.wire` for their habits."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from sync.lightspeed.wire import Id, Item, MaybeNumber, Moment, Text, Units, Wire, related

Single = BeforeValidator(lambda value: None if value in (None, "") else value)


class ItemPrice(Wire):
    """`ItemPrice`; 1 is the level Default, 3 Online."""

    level: Text = Field("", validation_alias="useTypeID")
    amount: MaybeNumber = None


class ItemECommerce(Wire):
    """`ItemECommerce`."""

    long: Text = Field("", validation_alias="longDescription")
    short: Text = Field("", validation_alias="shortDescription")


class Image(Wire):
    """`Image`; it lies at its base address, its public id and the ending of the kind of file that is wanted."""

    base_url: Text = Field("", validation_alias="baseImageURL")
    public_id: Text = Field("", validation_alias="publicID")
    ordering: Units = 0

    @property
    def url(self) -> str:
        """Return where it lies as JPEG, "" where that cannot be told."""
        return f"{self.base_url.rstrip('/')}/{self.public_id}.jpg" if self.base_url and self.public_id else ""


class Tag(Wire):
    """`Tag`."""

    name: Text = ""


class TagRelation(Wire):
    """`TagRelation`: a tag that an item has."""

    tag: Tag | None = Field(None, validation_alias="Tag")


class ItemAttributeSet(Wire):
    """`ItemAttributeSet`: what the attributes of a matrix's items are called; unused ones are ""."""

    first: Text = Field("", validation_alias="attributeName1")
    second: Text = Field("", validation_alias="attributeName2")
    third: Text = Field("", validation_alias="attributeName3")


class ItemAttributes(Wire):
    """`ItemAttributes` of a matrix's item; unused ones are ""."""

    first: Text = Field("", validation_alias="attribute1")
    second: Text = Field("", validation_alias="attribute2")
    third: Text = Field("", validation_alias="attribute3")
    names: ItemAttributeSet | None = Field(None, validation_alias="ItemAttributeSet")


class ItemWithCard(Item):
    """`Item` with what is compared of it; a relation without rows may be missing or ""."""

    category_id: Id = Field("0", validation_alias="categoryID")
    matrix_id: Id = Field("0", validation_alias="itemMatrixID")
    prices: Annotated[tuple[ItemPrice, ...] | None, BeforeValidator(related("ItemPrice"))] = Field(
        None, validation_alias="Prices"
    )
    images: Annotated[tuple[Image, ...] | None, BeforeValidator(related("Image"))] = Field(
        None, validation_alias="Images"
    )
    tags: Annotated[tuple[TagRelation, ...] | None, BeforeValidator(related("TagRelation"))] = Field(
        None, validation_alias="TagRelations"
    )
    commerce: Annotated[ItemECommerce | None, Single] = Field(None, validation_alias="ItemECommerce")
    attributes: Annotated[ItemAttributes | None, Single] = Field(None, validation_alias="ItemAttributes")


class Category(Wire):
    """`Category`; `path` is the names of all above it and its own."""

    category_id: Id = Field(validation_alias="categoryID")
    name: Text = ""
    path: Text = Field("", validation_alias="fullPathName")
    time_stamp: Moment = Field(validation_alias="timeStamp")
