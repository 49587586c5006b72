// Ownership of C objects: std::unique_ptr<event, Deleter<event_free>>.
#pragma once

namespace holdfast {

template <auto function>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        function(object);
    }
};

}  // namespace holdfast
